// A small web service with auto-instrumentation: calls the orders service.
const express = require("express");

const app = express();

app.get("/buy/:item", async (request, response) => {
  const answer = await fetch(`${process.env.ORDERS_URL}/orders/${request.params.item}`);
  response.status(answer.status).send(await answer.text());
});

const server = app.listen(0, "127.0.0.1", () => {
  console.log(`listening on ${server.address().port}`);
});

process.on("SIGTERM", () => server.close());
