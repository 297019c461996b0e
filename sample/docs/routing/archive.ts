import { Injectable } from '@nestjs/common';
import {
  StreamPublisher,
  StreamRecordBuilder,
  StreamsClient,
} from 'nestjs-redis-streams';
import type { Issue } from './triage.controller.js';

@Injectable()
export class Archive {
  constructor(
    private readonly publisher: StreamPublisher,
    private readonly client: StreamsClient,
  ) {}

  // #region naming
  publish(issue: Issue): Promise<string> {
    const stream = 'archive';
    return this.publisher.publish('issues.closed', issue, { stream });
  }

  emit(issue: Issue): void {
    this.client.emit({ stream: 'archive', event: 'issues.closed' }, issue);
  }

  emitRecord(issue: Issue): void {
    const record = new StreamRecordBuilder(issue).setStream('archive').build();
    this.client.emit('issues.closed', record);
  }
  // #endregion
}
