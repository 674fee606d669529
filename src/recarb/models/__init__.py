"""Other models of soil carbon beside RothC, behind one interface: numbers in, numbers out."""
