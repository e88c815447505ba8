/** Where a conversation is shown and typed. */
export interface Screen {
  /** Somebody sits in front of it: there is a prompt, and lines can be drawn again. Else every change is a line of its own. */
  readonly interactive: boolean;
  readonly colour: boolean;
  /** Called with what stands in the prompt, after every key; never where nobody sits in front of it. */
  onTyped: (text: string) => void;
  /** Id of the last line. */
  readonly lastId: string | undefined;
  /** A line, or several, above the prompt. With an id it can be drawn again. */
  print(text: string, id?: string): void;
  /** `false`: it is not on the screen any more. */
  redraw(id: string, line: string): boolean;
  setPrompt(prompt: string): void;
  /** What is typed, a line at a time, until the input ends or the screen is closed. Nothing that was typed since the screen was made is lost. */
  lines(): AsyncIterable<string>;
  close(): void;
}
