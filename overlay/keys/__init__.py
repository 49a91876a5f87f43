"""The sections of `fabric.yaml`, as typed models; `overlay.intent` joins them."""
