"""Frontend: MindIR files, versions 0 to 3, read into SOURCE models without copying a weight."""
