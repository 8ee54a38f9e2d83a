package app

// Version of the program. It is set by the linker when a release is built.
var Version = "dev"
