"""Readers and writers of PASCAL3D+ (release 1.1) and SPair-71k, and the tables of instances and pairs made of them."""
