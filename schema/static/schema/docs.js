/* Shows the OpenAPI document in Swagger UI. */

const page = document.getElementById("swagger-ui");

SwaggerUIBundle({
  url: page.dataset.schemaUrl,
  domNode: page,
  presets: [SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
  deepLinking: true,
  queryConfigEnabled: false,
});
