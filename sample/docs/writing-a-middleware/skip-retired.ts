import { ack, type Middleware } from 'nestjs-redis-streams';

/** Skips what an earlier release has published by mistake. */
export const skipRetired: Middleware = async (delivery, next) =>
  delivery.message.metadata['retired'] === 'yes' ? ack : next(delivery);
