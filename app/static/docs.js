// Shows the document of the API; what is tried out here is really scored.
const place = document.getElementById("document");
SwaggerUIBundle({ url: place.dataset.url, domNode: place, validatorUrl: null, supportedSubmitMethods: ["get", "post"] });
