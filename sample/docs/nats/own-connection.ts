import { connect } from '@nats-io/transport-node';
import { nats } from 'nestjs-redis-streams/nats';

/** The driver uses the connection of the application, and does not close it. */
export const onConnectionOf = async (servers: string) =>
  nats({
    connection: await connect({ servers, maxReconnectAttempts: -1 }),
  });
