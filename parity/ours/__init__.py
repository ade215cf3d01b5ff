"""Our side: the classes of this project over tables that are built as they always are."""
