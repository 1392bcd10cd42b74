"""The usual set-up of djangorestframework-simplejwt: its own views, rotation and the blacklist."""
