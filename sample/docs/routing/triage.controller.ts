import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { StreamContext, StreamHandler } from 'nestjs-redis-streams';

export interface Issue {
  number: number;
}

@Controller()
export class TriageController {
  readonly seen: string[] = [];

  @StreamHandler('issues.*') // reads the stream github
  triage(
    @Payload() { number }: Issue,
    @Ctx() { message }: StreamContext,
  ): void {
    this.seen.push(`${message.eventType} ${number}`);
  }
}
