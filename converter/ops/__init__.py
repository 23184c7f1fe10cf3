"""Knowledge as data: what a MindIR operator becomes, what a Lite operator is, what the device can run."""
