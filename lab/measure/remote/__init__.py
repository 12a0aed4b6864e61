"""Measuring on other machines, through an executor or Dask."""
