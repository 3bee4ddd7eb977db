"""Turns models as their packages hold them into ONNX, without the frameworks that they were made with.

`make models` (and the worker's image) runs it once. Only this package needs `onnx` and npm; the analyzers need neither.
"""
