"""`audit --probe`: what a node is told to ask of the fabric, and the program that asks it there."""
