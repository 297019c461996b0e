import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { StreamHandler } from 'nestjs-redis-streams';
import type { Webhook } from './webhooks.js';

/** One service: it cares for issues, pull requests and pushes; everything else is filtered. */
@Controller()
export class TriageController {
  readonly repositories = new Set<string>();

  @StreamHandler('issues.*')
  async issue(@Payload() webhook: Webhook): Promise<void> {
    this.note(webhook);
  }

  @StreamHandler(['pull_request.*', 'pull_request_review.*'])
  async pullRequest(@Payload() webhook: Webhook): Promise<void> {
    this.note(webhook);
  }

  @StreamHandler('push')
  async push(@Payload() webhook: Webhook): Promise<void> {
    this.note(webhook);
  }

  private note({ repository }: Webhook): void {
    if (repository) this.repositories.add(repository.full_name);
  }
}
