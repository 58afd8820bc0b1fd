"""`loyalty schema`: what `-o json` prints, as JSON Schema."""


def schema() -> None:
    """Print the JSON Schema of what -o json prints."""
    from loyalty_cli.output.json_schema import json_schema
    from loyalty_cli.output.json_text import json_document
    from loyalty_cli.output.stdout import write_bytes

    write_bytes(json_document(json_schema()))
