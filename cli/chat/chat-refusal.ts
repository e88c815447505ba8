/** What was typed cannot be done. */
export class ChatRefusal extends Error {
  override readonly name = 'ChatRefusal';
}
