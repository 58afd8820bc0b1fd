"""The least a script can do for a balance: import requests, one GET."""

import os
import sys

import requests

url = f"{sys.argv[1]}/v2/customers/C-1001/rewards_balance"
key = os.environ["LOYALTY_CARD_API_KEY"]
print(requests.get(url, headers={"Authorization": f"Bearer {key}"}, timeout=10).text)
