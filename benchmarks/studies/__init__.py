"""What models are worth: networks compared, ablation, occlusion, stability, shortcuts, hospitals, rejection."""
