import {
  LoadBalancedHandler,
  StreamConsumers,
  StreamHandler,
  StreamsTransport,
  type Message,
  type MessageOf,
  type StreamConsumer,
  type StreamContext,
  type StreamHandlerOptions,
} from 'nestjs-redis-streams';
import type { EventCallback } from 'nestjs-redis-streams/driver';

/*
 * Compiled by a test with `exactOptionalPropertyTypes`, and never run: which handlers and callbacks
 * compile without a cast, and which do not.
 */

interface Order {
  readonly orderId: string;
  readonly customerId: number;
  readonly total: number;
}

/** With what a path may lead through. */
interface Nested {
  readonly customer?: { readonly address: { readonly city: string } | null };
  readonly items: readonly { readonly sku: string }[];
  readonly labels: Record<string, string>;
  readonly extra: unknown;
  readonly parent?: Nested;
}

class OrderDto {
  orderId!: string;

  sum(): number {
    return 1;
  }
}

interface Refund {
  readonly orderId: string;
  readonly amount: number;
}

interface Events {
  'order.paid': Order;
  'order.refunded': Refund;
  'user.made': { readonly name: string };
}

/** `true` where both types are the same. */
type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : never;

const same = <A, B>(_: Same<A, B>): void => undefined;

export class TypedByAnArgument {
  @StreamHandler<Order>('order.paid', {
    filter: ({ payload }) => payload.total > 100,
    dedupe: { key: ({ payload }) => payload.orderId },
    inbox: { key: ({ payload }) => payload.orderId, ttl: 1000 },
    orderBy: ({ payload }) => payload.customerId,
  })
  first(): void {}

  @StreamHandler<Order>({
    streams: ['orders'],
    dedupe: { key: ({ payload, eventType }) => `${eventType} ${payload.orderId}` },
    orderBy: ({ payload, metadata }) => metadata['tenant'] ?? payload.customerId,
  })
  second(): void {}

  @StreamHandler<Events['order.paid' | 'order.refunded']>(['order.paid', 'order.refunded'], {
    dedupe: { key: ({ payload }) => payload.orderId },
    orderBy: ({ payload }) => ('total' in payload ? payload.customerId : undefined),
  })
  ofAnEventMap(): void {}

  @StreamHandler<Order>('order.paid', { orderBy: 'customerId', dedupe: true })
  byPath(): void {}

  @StreamHandler<Nested>('order.paid', { orderBy: 'customer.address.city' })
  byNestedPath(): void {}

  @StreamHandler<Nested>('order.paid', { orderBy: 'items.0.sku' })
  byItem(): void {}

  @StreamHandler<Nested>('order.paid', { orderBy: 'extra.of.any.shape' })
  intoTheUnknown(): void {}

  @StreamHandler<Nested>('order.paid', { orderBy: 'labels.tenant' })
  byRecord(): void {}

  @StreamHandler<Nested>('order.paid', { orderBy: 'parent.parent.customer.address.city' })
  fiveNames(): void {}

  @StreamHandler<Events['order.paid' | 'order.refunded']>(['order.paid', 'order.refunded'], {
    orderBy: 'customerId',
  })
  byPathOfOneEvent(): void {}

  @StreamHandler<Record<string, unknown>>('order.paid', { orderBy: 'customer.id' })
  byPathIntoARecord(): void {}

  @StreamHandler<Order>('order.paid', {
    filter: undefined,
    dedupe: undefined,
    inbox: undefined,
    orderBy: undefined,
  })
  allUndefined(): void {}

  @StreamHandler('order.paid', { orderBy: ({ payload }: Message<Order>) => payload.customerId })
  inferredFromTheFunction(): void {}

  @LoadBalancedHandler<Order>({
    service: 'sessions',
    filter: ({ payload }) => payload.total > 0,
    dedupe: { key: ({ payload }) => payload.orderId },
  })
  balanced(): void {}

  // @ts-expect-error -- a filter answers true or false, not a promise
  @StreamHandler<Order>('order.paid', { filter: async ({ payload }) => payload.total > 0 })
  filterWithPromise(): void {}

  // @ts-expect-error -- a filter answers true or false
  @StreamHandler<Order>('order.paid', { filter: ({ payload }) => payload.orderId })
  filterWithText(): void {}

  @StreamHandler<Order>('order.paid', {
    // @ts-expect-error -- the payload has no such property
    filter: ({ payload }) => payload.amount > 0,
    // @ts-expect-error -- the payload has no such property
    dedupe: { key: ({ payload }) => payload.id },
    // @ts-expect-error -- a key is a text
    inbox: { key: ({ payload }) => payload.customerId },
    // @ts-expect-error -- the payload has no such property
    orderBy: ({ payload }) => payload.customer,
  })
  wrongProperties(): void {}

  @StreamHandler<Order>({
    streams: ['orders'],
    // @ts-expect-error -- the payload has no such property
    dedupe: { key: ({ payload }) => payload.id },
  })
  wrongPropertyOfStreams(): void {}

  // @ts-expect-error -- a function of messages of another payload
  @StreamHandler<Order>('order.paid', { orderBy: ({ payload }: Message<Refund>) => payload.amount })
  anotherPayload(): void {}

  @LoadBalancedHandler<Order>({
    service: 'sessions',
    // @ts-expect-error -- the payload has no such property
    dedupe: { key: ({ payload }) => payload.id },
  })
  wrongPropertyOfBalanced(): void {}
}

export class WrongPaths {
  // @ts-expect-error -- misspelt
  @StreamHandler<Order>('order.paid', { orderBy: 'custmerId' })
  misspelt(): void {}

  // @ts-expect-error -- misspelt
  @StreamHandler<Nested>('order.paid', { orderBy: 'customer.adress.city' })
  misspeltBelow(): void {}

  // @ts-expect-error -- a method is no property of a payload
  @StreamHandler<OrderDto>('order.paid', { orderBy: 'sum' })
  method(): void {}

  // @ts-expect-error -- a text has no properties
  @StreamHandler<Order>({ streams: ['orders'], orderBy: 'orderId.length' })
  belowAText(): void {}
}

export const sharedOptions: StreamHandlerOptions = { orderBy: 'customer.id' };

export class Untyped {
  @StreamHandler('order.paid', { orderBy: 'customer.id' })
  byPath(): void {}

  @StreamHandler('order.paid', sharedOptions)
  byOptions(): void {}

  @StreamHandler('order.paid', {
    dedupe: { key: ({ payload }) => (payload as Order).orderId },
    orderBy: ({ payload }) => (same<typeof payload, unknown>(true), payload),
    filter: ({ payload }) => (payload as Order).total > 0,
  })
  cast(): void {}

  @StreamHandler('order.paid', {
    // @ts-expect-error -- without a type argument the payload is unknown
    dedupe: { key: ({ payload }) => payload.orderId },
    // @ts-expect-error -- without a type argument the payload is unknown
    orderBy: ({ payload }) => payload.customerId,
  })
  unknownPayload(): void {}

  @LoadBalancedHandler({
    service: 'sessions',
    // @ts-expect-error -- without a type argument the payload is unknown
    inbox: { key: ({ payload }) => payload.orderId },
  })
  unknownOfBalanced(): void {}
}

export const kept: StreamHandlerOptions<Order> = { orderBy: ({ payload }) => payload.customerId };
export const keptUntyped: StreamHandlerOptions = { orderBy: ({ id }) => id };

export async function functions(transport: StreamsTransport): Promise<void> {
  await transport.subscribe('order.paid', (order: Order) => order.total, {
    dedupe: { key: ({ payload }) => payload.orderId },
    orderBy: ({ payload }) => payload.customerId,
  });
  await transport.subscribe<Order>(
    'order.paid',
    (order, { message }) => order.total + message.payload.total,
    { orderBy: ({ payload }) => payload.customerId },
  );
  await transport.subscribe('order.paid', (order: Order, context: StreamContext) => context.id, {
    orderBy: ({ payload }) => payload.customerId,
  });
  await transport.subscribe('order.paid', (payload, { message }) => {
    same<typeof payload, unknown>(true);
    same<typeof message.payload, unknown>(true);
  });
  await transport.subscribe('order.paid', (order: Order) => order.total, {
    // @ts-expect-error -- the payload has no such property
    orderBy: ({ payload }) => payload.customer,
  });
}

export async function typedConsumers(consumers: StreamConsumers): Promise<void> {
  const consumer = consumers.create<Events>({ stream: 'orders', group: 'billing' });
  const again: StreamConsumer<Events> = consumers.create({ stream: 'orders' });
  await consumer.start(async ({ payload }) => payload.orderId !== '', ['order.paid']);
  await again.subscribe(({ payload }) => payload.name !== '', ['user.made']);

  await consumer.start(
    (message) => {
      same<typeof message.eventType, 'order.paid' | 'order.refunded'>(true);
      // @ts-expect-error -- a refund has no total
      const both = message.payload.total;
      if (message.eventType === 'order.paid') return message.payload.total > 0;
      same<typeof message.payload, Refund>(true);
      return message.payload.amount > 0 && both;
    },
    ['order.paid', 'order.refunded'],
  );
  await consumer.subscribe(
    (message) => {
      same<typeof message, MessageOf<Events, 'order.paid' | 'order.refunded'>>(true);
      return true;
    },
    ['order.*'],
  );
  await consumer.start((message) => {
    same<typeof message, MessageOf<Events>>(true);
    if (message.eventType === 'user.made') return message.payload.name !== '';
    return message.payload.orderId !== '';
  });
  await consumer.start(() => true, ['order.paid', '*.made']);
  const named: EventCallback<Order> = ({ payload }, { attempt }) => payload.total > attempt;
  await consumer.start(named, ['order.paid']);
  await consumer.start(({ payload }: Message<Order>) => payload.total > 0, ['order.paid']);
  await consumer.start((message: MessageOf<Events>) => message.eventType !== 'user.made');

  // @ts-expect-error -- no event of the map
  await consumer.start(() => true, ['order.piad']);
  // @ts-expect-error -- no event of the map
  await consumer.subscribe(() => true, ['order.paid', 'order.piad']);
  // @ts-expect-error -- an order has no amount
  await consumer.start(({ payload }) => payload.amount > 0, ['order.paid']);
  // @ts-expect-error -- a callback for another payload
  await consumer.start(({ payload }: Message<Refund>) => payload.amount > 0, ['order.paid']);
  // @ts-expect-error -- a callback answers true or false
  await consumer.start(({ payload }) => payload.orderId, ['order.paid']);
  // @ts-expect-error -- the event does not come to this callback
  await consumer.start(({ eventType }) => eventType === 'user.made', ['order.paid']);
  // @ts-expect-error -- no event of the map matches
  await consumer.start(({ payload }) => payload.orderId !== '', ['ordr.*']);
}

export function filteringConsumers(consumers: StreamConsumers): void {
  consumers.create<Events>({
    stream: 'orders',
    filter: (message) => {
      same<typeof message, MessageOf<Events>>(true);
      return message.eventType !== 'order.paid' || message.payload.total > 0;
    },
  });
  consumers.create<Record<string, Order>>({
    stream: 'orders',
    filter: ({ payload }) => payload.total > 0,
  });
  consumers.create({
    stream: 'orders',
    filter: ({ payload, eventType }) => (same<typeof payload, unknown>(true), eventType !== 'x'),
  });
  consumers.create<Record<string, Order>>({
    stream: 'orders',
    // @ts-expect-error -- an order has no amount
    filter: ({ payload }) => payload.amount > 0,
  });
  // @ts-expect-error -- a filter answers true or false, not a promise
  consumers.create<Events>({ stream: 'orders', filter: async () => true });
}

export async function onePayload(consumers: StreamConsumers): Promise<void> {
  const consumer = consumers.create<Record<string, Order>>({ stream: 'orders' });
  await consumer.start(({ payload, eventType }) => payload.total > 0 && eventType !== '');
  await consumer.subscribe(({ payload }) => payload.total > 0, ['order.paid', 'order.*']);
  // @ts-expect-error -- an order has no amount
  await consumer.start(({ payload }) => payload.amount > 0);
}

export async function untypedConsumers(
  consumers: StreamConsumers,
  eventTypes: readonly string[],
): Promise<void> {
  const consumer: StreamConsumer = consumers.create({ stream: 'orders' });
  await consumer.start((message) => {
    same<typeof message, Message>(true);
    return true;
  });
  await consumer.subscribe(({ eventType }) => eventType === 'x', ['order.paid', 'order.*']);
  await consumer.start(() => true, eventTypes);
  await consumer.start(async ({ payload }: Message<Order>) => payload.total > 0, ['order.paid']);
  await consumer.start<Message<Order>>(({ payload }) => payload.total > 0);
  const named: EventCallback<Order> = ({ payload }) => payload.total > 0;
  await consumer.subscribe(named);
  const made: ReturnType<StreamConsumers['create']> = consumer;
  await made.start(({ payload }) => (same<typeof payload, unknown>(true), true), ['order.paid']);
  const closing: StreamConsumer[] = [consumer, made, consumers.create<Events>({ stream: 'a' })];
  await Promise.all(closing.map((one) => one.close()));

  // @ts-expect-error -- without an event map the payload is unknown
  await consumer.start(({ payload }) => payload.total > 0, ['order.paid']);
}
