"""From a request to an answer: sign-in, retry, rate limit, deadline, TLS, proxies."""
