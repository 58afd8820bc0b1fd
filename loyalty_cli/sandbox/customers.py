"""The sandbox's customers; their balances are in the file of each platform.

| | |
| --- | --- |
| C-1001 | what the platforms' own references show |
| C-1002 | nothing yet |
| C-1003 | something is pending |
| C-1004 | several balances; at SaaSquatch two of them belong to another user of the account |
| C-1005 | points that last a long while |
| C-1006 | numbers that a binary float cannot hold |
| C-1007 | decimals, and a currency that is not the dollar |
| C-1008 | credit that expired or was cancelled |
| C-1009 | a percentage off, from an older server that sends one object |
| C-1010 | digits as text, from an older server |
"""

CUSTOMERS = tuple(f"C-{number}" for number in range(1001, 1011))
