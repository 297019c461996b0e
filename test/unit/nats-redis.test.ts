import { InvalidOptionsError } from 'nestjs-redis-streams';
import { natsRedis, type NatsRedisOptions } from 'nestjs-redis-streams/nats-redis';
import { describe, expect, it } from 'vitest';
import { EventBus } from '../../lib/core/event-bus.js';
import type { DriverFactory } from '../../lib/ports/driver.js';

const factories = (options?: NatsRedisOptions) =>
  natsRedis(options).slots as unknown as Readonly<Record<string, DriverFactory | undefined>>;
const technology = (factory: DriverFactory | undefined) =>
  factory?.open({ events: new EventBus(), keyPrefix: '' }).source.capabilities.technology;

describe('natsRedis', () => {
  it('takes messages from core NATS, and keeps state on Redis', () => {
    const { messageSource, stateStore, deadLetterQueue } = factories();
    expect([messageSource, stateStore].map(technology)).toEqual(['core NATS', 'redis']);
    expect(deadLetterQueue).toBeUndefined();
  });

  it('keeps dead letters on JetStream', () => {
    const { deadLetterQueue } = factories({ deadLetterQueue: { url: 'nats://letters:4222' } });
    expect(technology(deadLetterQueue)).toBe('nats');
  });

  it('takes messages from JetStream where it is told to, over one connection for both slots', () => {
    const server = { url: 'nats://here:4222', mode: 'jetstream' } as const;
    const { messageSource, deadLetterQueue } = factories({
      messageSource: server,
      deadLetterQueue: { ...server },
    });
    expect(technology(messageSource)).toBe('nats');
    expect(deadLetterQueue).toBe(messageSource);
  });

  it('leaves all other options as they are', () => {
    const others = { group: 'shop', stream: 'orders', maxDeliveries: 4, keyPrefix: 'a:' };
    const { slots: _, ...rest } = natsRedis({ ...others, stateStore: { db: 1 } });
    expect(rest).toEqual(others);
  });

  it('names each wrong option at once, with its slot', () => {
    const wrong = {
      messageSource: { url: 'http://here', pool: 1 },
      stateStore: { port: 'six' },
      maxDeliveries: 0,
      slots: {},
    };
    const problems = (): readonly string[] => {
      try {
        natsRedis(wrong as never);
        return [];
      } catch (error) {
        if (error instanceof InvalidOptionsError) return error.problems;
        throw error;
      }
    };
    for (const name of [
      'messageSource.url',
      'messageSource.pool',
      'stateStore.port',
      'maxDeliveries',
      'slots',
    ]) {
      expect(problems().join('\n')).toContain(name);
    }
  });
});
