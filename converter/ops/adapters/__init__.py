"""What a row cannot say: adapters compute attributes from shapes, or compose other nodes; one module per family."""
