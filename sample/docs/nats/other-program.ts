import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, headers } from '@nats-io/transport-node';
import type { Order } from '../shop/orders.js';

/** Publishes as this library does. Returns the id of the message. */
export async function publish(servers: string, order: Order): Promise<string> {
  const client = await connect({ servers });
  const named = headers();
  named.set('event_type', 'order.placed');
  named.set('metadata', JSON.stringify({ tenant: 'acme' })); // may be left out
  const { seq } = await jetstream(client).publish(
    'order.placed',
    JSON.stringify(order),
    { headers: named },
  );
  await client.close();
  return String(seq);
}

/** Reads what this library has published, with a durable consumer of its own. */
export async function read(servers: string): Promise<Order> {
  const client = await connect({ servers });
  const manager = await jetstreamManager(client);
  await manager.consumers.add('order_placed', {
    durable_name: 'warehouse',
    filter_subject: 'order.placed',
    ack_policy: 'explicit',
  });
  const warehouse = await jetstream(client).consumers.get(
    'order_placed',
    'warehouse',
  );
  const message = await warehouse.next();
  const order = message!.json<Order>();
  await message!.ackAck();
  await client.close();
  return order;
}
