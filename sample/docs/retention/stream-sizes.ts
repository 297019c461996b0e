import { Injectable } from '@nestjs/common';
import { StreamRetention } from 'nestjs-redis-streams';

@Injectable()
export class StreamSizes {
  constructor(private readonly retention: StreamRetention) {}

  async describe(stream: string): Promise<string> {
    const { length, memory, pinnedBy } = await this.retention.report(stream);
    const size = `${length} entries, ${memory ?? '?'} bytes`;
    if (pinnedBy === undefined) return `${size}, no group`;
    const { group, by, id } = pinnedBy;
    return `${size}; held by ${group} at ${id} (${by})`;
  }
}
