"""What every room needs: configs, seeds, files that are whole or absent, the run folder, errors users see."""
