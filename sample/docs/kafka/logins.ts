import { readFileSync } from 'node:fs';
import { kafka } from 'nestjs-redis-streams/kafka';

export const withLogin = (folder: string) =>
  kafka({
    brokers: ['kafka-1.example.com:9093', 'kafka-2.example.com:9093'],
    ssl: { ca: readFileSync(`${folder}/ca.pem`) },
    sasl: {
      mechanism: 'scram-sha-512',
      username: 'shop',
      password: process.env.KAFKA_PASSWORD ?? '',
    },
  });
