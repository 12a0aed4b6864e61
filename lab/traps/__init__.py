"""What is said and is wrong when measured: each trap springs on real parts."""
