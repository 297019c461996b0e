import { Injectable, type OnModuleInit } from '@nestjs/common';
import { StreamsTransport } from 'nestjs-redis-streams';

@Injectable()
export class RunMetrics implements OnModuleInit {
  readonly durations = new Map<string, number[]>();
  readonly alarms: string[] = [];

  constructor(private readonly transport: StreamsTransport) {}

  onModuleInit(): void {
    this.transport.on('settled', ({ outcome, handler, duration }) => {
      const key = `${handler} ${outcome}`;
      this.durations.set(key, [...(this.durations.get(key) ?? []), duration]);
    });
    this.transport.on('dead-lettered', ({ stream, id, handler, reason }) => {
      this.alarms.push(`${stream} ${id}: ${reason} in ${handler}`);
    });
  }
}
