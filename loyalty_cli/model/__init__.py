"""The words of the program: records, amounts, errors."""
