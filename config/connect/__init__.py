"""The staff's page that leads a vendor's client here."""
