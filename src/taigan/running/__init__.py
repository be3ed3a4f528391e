"""What each of our processes does around its work: listen and stop, bound what connections cost, log, end its tasks."""
