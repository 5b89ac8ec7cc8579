"""The back office: the pages for the staff of a business."""
