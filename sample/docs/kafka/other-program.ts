import { Kafka, logLevel } from 'kafkajs';
import type { Order } from './order.controller.js';

const clientOf = (brokers: string[]) =>
  new Kafka({ brokers, logLevel: logLevel.ERROR });

/** Publishes an order: the name of the topic is the event type. */
export async function publish(brokers: string[], order: Order): Promise<void> {
  const producer = clientOf(brokers).producer({ idempotent: true });
  await producer.connect();
  await producer.send({
    topic: 'order.placed',
    messages: [
      {
        key: order.customerId,
        value: JSON.stringify(order),
        headers: { tenant: 'acme' }, // metadata of the message
      },
    ],
  });
  await producer.disconnect();
}

/** Reads what this library has published, in a group of its own. */
export async function readFirst(brokers: string[]): Promise<Order> {
  const consumer = clientOf(brokers).consumer({ groupId: 'warehouse' });
  await consumer.connect();
  await consumer.subscribe({ topic: 'order.placed', fromBeginning: true });
  const order = await new Promise<Order>((resolve) => {
    void consumer.run({
      eachMessage: async ({ message }) =>
        resolve(JSON.parse(String(message.value)) as Order),
    });
  });
  await consumer.disconnect();
  return order;
}
