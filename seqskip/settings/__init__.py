"""A config: the file it is, what it may name, what is wrong with it, and the nets and data that it makes."""
