import { Inject, Injectable } from '@nestjs/common';
import {
  DeadLetters,
  getStreamsToken,
  StreamPublisher,
} from 'nestjs-redis-streams';

@Injectable()
export class AuditService {
  constructor(
    @Inject(getStreamsToken('audit', StreamPublisher))
    private readonly publisher: StreamPublisher,
    @Inject(getStreamsToken('audit', DeadLetters))
    private readonly dead: DeadLetters,
  ) {}

  note(what: string): Promise<string> {
    return this.publisher.publish('audit.noted', { what });
  }

  async lost(): Promise<number> {
    return (await this.dead.list('audit.noted')).items.length;
  }
}
