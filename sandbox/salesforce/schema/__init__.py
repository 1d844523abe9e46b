"""The objects and fields of a Salesforce organisation, and what describe says about them."""
