// A small web service with auto-instrumentation: calls the orders service, and logs with pino.
const express = require("express");
const pino = require("pino");

const app = express();
const logger = pino();

app.get("/buy/:item", async (request, response) => {
  const { item } = request.params;
  const answer = await fetch(`${process.env.ORDERS_URL}/orders/${item}`);
  if (answer.ok) logger.info({ item, status: answer.status }, `sold a ${item}`);
  else logger.warn({ item, status: answer.status }, `could not sell a ${item}`);
  response.status(answer.status).send(await answer.text());
});

const server = app.listen(0, "127.0.0.1", () => {
  console.log(`listening on ${server.address().port}`);
});

process.on("SIGTERM", () => server.close());
