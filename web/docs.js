'use strict';

SwaggerUIBundle({
  url: '/v1/openapi.json',
  dom_id: '#docs',
  deepLinking: true,
  // By default the document would be sent to a validator on another host.
  validatorUrl: null,
});
