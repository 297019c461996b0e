import { Injectable } from '@nestjs/common';

@Injectable()
export class Mails {
  async send(_customerId: string, _template: string): Promise<void> {}
}
