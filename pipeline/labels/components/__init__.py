"""Principal components of the patch features on the object, fitted on the training images of a category."""
