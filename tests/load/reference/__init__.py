"""An ordinary Django app: one model behind one ModelViewSet."""
