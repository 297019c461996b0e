import { InvalidOptionsError } from 'nestjs-redis-streams';
import { kafkaPostgres, type KafkaPostgresOptions } from 'nestjs-redis-streams/kafka-postgres';
import { describe, expect, it } from 'vitest';
import { EventBus } from '../../lib/core/event-bus.js';
import type { DriverFactory } from '../../lib/ports/driver.js';

const factories = (options?: KafkaPostgresOptions) =>
  kafkaPostgres(options).slots as unknown as Readonly<Record<string, DriverFactory | undefined>>;
const technology = (factory: DriverFactory | undefined) =>
  factory?.open({ events: new EventBus(), keyPrefix: '' }).source.capabilities.technology;

describe('kafkaPostgres', () => {
  it('takes messages from Kafka, which keeps their dead letters, and keeps state on PostgreSQL', () => {
    const { messageSource, stateStore, deadLetterQueue } = factories();
    expect([messageSource, stateStore].map(technology)).toEqual(['kafka', 'postgres']);
    expect(deadLetterQueue).toBeUndefined();
  });

  it('keeps dead letters on another cluster where it is told to', () => {
    const messageSource = { brokers: ['here:9092'] };
    const deadLetterQueue = { brokers: ['letters:9092'] };
    expect(technology(factories({ messageSource, deadLetterQueue }).deadLetterQueue)).toBe('kafka');
    const same = factories({ messageSource, deadLetterQueue: { brokers: ['here:9092'] } });
    expect(same.deadLetterQueue).toBeUndefined();
    expect(factories({ deadLetterQueue: {} }).deadLetterQueue).toBeUndefined();
  });

  it('leaves all other options as they are', () => {
    const others = { group: 'shop', stream: 'orders', maxDeliveries: 4, keyPrefix: 'a:' };
    const { slots: _, ...rest } = kafkaPostgres({ ...others, stateStore: { database: 'prism' } });
    expect(rest).toEqual(others);
  });

  it('names each wrong option at once, with its slot', () => {
    const wrong = {
      messageSource: { brokers: [], pool: 1 },
      stateStore: { port: 'six' },
      maxDeliveries: 0,
      slots: {},
    };
    const problems = (): readonly string[] => {
      try {
        kafkaPostgres(wrong as never);
        return [];
      } catch (error) {
        if (error instanceof InvalidOptionsError) return error.problems;
        throw error;
      }
    };
    for (const name of [
      'messageSource.brokers',
      'messageSource.pool',
      'stateStore.port',
      'maxDeliveries',
      'slots',
    ]) {
      expect(problems().join('\n')).toContain(name);
    }
  });
});
