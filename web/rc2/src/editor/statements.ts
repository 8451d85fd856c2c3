/**
 * Where R's statements begin and end, by R's own rules of newlines.
 *
 * An expression ends at a newline, unless it is inside `(` or `[`, or what came before can't end it: an operator, the head of
 * an `if`, a loop or a function. Only this is parsed, not what the expressions mean, so that half-written code works as well.
 */

export interface Statement {
  from: number;
  to: number;
  /** Statements in the braces of this one. */
  inner: Statement[];
}

type Kind = 'newline' | 'value' | 'operator' | 'open' | 'close' | 'comma' | 'semicolon' | 'word' | 'end';

interface Token {
  kind: Kind;
  text: string;
  from: number;
  to: number;
}

const OPERATOR = /^(?:%[^%\n]*%|<<-|->>|\|>|:::|::|:=|<-|->|<=|>=|==|!=|&&|\|\||\*\*|[-+*/^<>=!&|~?:$@])/;
const NUMBER = /^(?:0[xX][\da-fA-F.]+(?:[pP][+-]?\d+)?|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)[Li]?/;
const WORD = /^[\p{L}.][\p{L}\p{N}._]*/u;
const RAW = /^[rR]["'](-*)([([{])/;
const CLOSE: Record<string, string> = { '(': ')', '[': ']', '{': '}' };

function tokens(text: string): Token[] {
  const all: Token[] = [];
  let at = 0;
  const add = (kind: Kind, to: number): void => {
    all.push({ kind, text: text.slice(at, to), from: at, to });
    at = to;
  };
  while (at < text.length) {
    const character = text[at] ?? '';
    // What a token may be is short, except for strings, which are found by indexOf.
    const rest = text.slice(at, at + 512);
    let found: RegExpExecArray | null;
    if (character === '\n') add('newline', at + 1);
    else if (/\s/.test(character)) at += 1;
    else if (character === '#') {
      const end = text.indexOf('\n', at);
      at = end < 0 ? text.length : end;
    } else if ((found = RAW.exec(rest))) {
      const closing = `${CLOSE[found[2] ?? ''] ?? ''}${found[1] ?? ''}${rest[1] ?? ''}`;
      const end = text.indexOf(closing, at + found[0].length);
      add('value', end < 0 ? text.length : end + closing.length);
    } else if (character === '"' || character === "'" || character === '`') {
      let end = at + 1;
      while (end < text.length && text[end] !== character)
        end += text[end] === '\\' && character !== '`' ? 2 : 1;
      add('value', Math.min(end + 1, text.length));
    } else if ((found = NUMBER.exec(rest))) add('value', at + found[0].length);
    else if ((found = WORD.exec(rest))) {
      let end = at + found[0].length;
      while (end < text.length && /[\p{L}\p{N}._]/u.test(text[end] ?? '')) end += 1;
      add('word', end);
    } else if (character === '\\') add('word', at + 1);
    else if (character === '(' || character === '[' || character === '{') add('open', at + 1);
    else if (character === ')' || character === ']' || character === '}') add('close', at + 1);
    else if (character === ',') add('comma', at + 1);
    else if (character === ';') add('semicolon', at + 1);
    else if ((found = OPERATOR.exec(rest))) add('operator', at + found[0].length);
    else add('value', at + 1);
  }
  all.push({ kind: 'end', text: '', from: text.length, to: text.length });
  return all;
}

const PREFIX = new Set(['-', '+', '!', '~', '?']);

class Parser {
  private readonly tokens: Token[];
  private at = 0;
  private last = 0; // where the last token ended
  /** Whether the text ended before the expression did: R would ask for more. */
  incomplete = false;

  constructor(text: string) {
    this.tokens = tokens(text);
  }

  private get token(): Token {
    const token = this.tokens[this.at] ?? this.tokens.at(-1);
    if (!token) throw new Error('There is always a token for the end.');
    return token;
  }

  private next(): Token {
    const token = this.token;
    if (token.kind !== 'end') this.at += 1;
    if (token.kind !== 'newline') this.last = token.to;
    return token;
  }

  private skipNewlines(): void {
    while (this.token.kind === 'newline') this.at += 1;
  }

  private is(kind: Kind, text?: string): boolean {
    return this.token.kind === kind && (text === undefined || this.token.text === text);
  }

  /** Parse statements up to `}`, or to the end. */
  statements(inBraces: boolean): Statement[] {
    const found: Statement[] = [];
    for (;;) {
      while (this.is('newline') || this.is('semicolon')) this.at += 1;
      if (this.is('end') || (inBraces && this.is('close', '}'))) return found;
      const { from } = this.token;
      const inner: Statement[] = [];
      const before = this.at;
      this.expression(inner, false, inBraces);
      // What can't be parsed is part of the statement up to the end of its line.
      while (!this.is('newline') && !this.is('semicolon') && !this.is('end')) {
        if (inBraces && this.is('close', '}')) break;
        this.next();
      }
      if (this.at === before) this.next();
      found.push({ from, to: this.last, inner });
    }
  }

  /** Parse one expression. In brackets newlines are white space; `elseAfterNewline` says whether `else` may be on a line of its own. */
  private expression(inner: Statement[], inBrackets: boolean, elseAfterNewline: boolean): void {
    this.operand(inner, inBrackets, elseAfterNewline);
    for (;;) {
      if (inBrackets) this.skipNewlines();
      if (this.is('open', '(') || this.is('open', '[')) this.brackets(inner);
      else if (this.is('operator')) {
        this.next();
        this.operand(inner, inBrackets, elseAfterNewline);
      } else return;
    }
  }

  private operand(inner: Statement[], inBrackets: boolean, elseAfterNewline: boolean): void {
    this.skipNewlines();
    const token = this.token;
    if (token.kind === 'end') {
      this.incomplete = true;
      return;
    }
    if (token.kind === 'operator') {
      if (!PREFIX.has(token.text)) return;
      this.next();
      this.operand(inner, inBrackets, elseAfterNewline);
      return;
    }
    if (token.kind === 'open') {
      if (token.text === '{') {
        this.next();
        inner.push(...this.statements(true));
        this.close('}');
      } else this.brackets(inner);
      return;
    }
    if (token.kind === 'value') {
      this.next();
      return;
    }
    if (token.kind !== 'word') return;
    this.next();
    const body = (): void => this.expression(inner, inBrackets, elseAfterNewline);
    switch (token.text) {
      case 'function':
      case '\\':
      case 'while':
      case 'for':
        this.skipNewlines();
        if (this.is('open', '(')) this.brackets(inner);
        body();
        break;
      case 'repeat':
        body();
        break;
      case 'if':
        this.skipNewlines();
        if (this.is('open', '(')) this.brackets(inner);
        body();
        this.otherwise(body);
        break;
    }
  }

  /**
   * Parse an `else`, also one on a line of its own: at the top level R refuses that, and says so best when it gets the whole.
   */
  private otherwise(body: () => void): void {
    const before = this.at;
    this.skipNewlines();
    if (this.is('word', 'else')) {
      this.next();
      body();
    } else this.at = before;
  }

  private brackets(inner: Statement[]): void {
    const closing = CLOSE[this.next().text] ?? ')';
    for (;;) {
      this.skipNewlines();
      if (this.is('end') || this.is('close')) break;
      const before = this.at;
      if (this.is('comma') || this.is('semicolon')) this.next();
      else this.expression(inner, true, true);
      if (this.at === before) this.next();
    }
    this.close(closing);
  }

  private close(text: string): void {
    if (this.is('end')) this.incomplete = true;
    else if (this.is('close', text)) this.next();
  }
}

/** Return the statements of the text, in order. */
export function statements(text: string): Statement[] {
  return new Parser(text).statements(false);
}

/** Return whether R would ask for more after this. */
export function isIncomplete(text: string): boolean {
  const parser = new Parser(text);
  parser.statements(false);
  return parser.incomplete || endsInString(text);
}

function endsInString(text: string): boolean {
  const last = tokens(text).at(-2);
  if (last?.kind !== 'value') return false;
  const quote = last.text[0] ?? '';
  if (RAW.test(last.text)) return !/[)\]}]-*["']$/.test(last.text);
  return `"'\``.includes(quote) && (last.text.length < 2 || !last.text.endsWith(quote));
}

/**
 * Return the statement that Ctrl+Enter runs: the innermost one on whose lines the cursor is, from the line on which it
 * begins; between statements the one that follows. Null after the last one.
 */
export function statementAt(text: string, position: number): Statement | null {
  const lineFrom = text.lastIndexOf('\n', position - 1) + 1;
  const newline = text.indexOf('\n', position);
  const lineTo = newline < 0 ? text.length : newline;
  const search = (all: Statement[]): Statement | null => {
    const on = all.filter((one) => one.from <= lineTo && one.to >= lineFrom);
    const under = on.find((one) => one.from <= position && position <= one.to) ?? on[0];
    if (!under) return null;
    // On its first and last line the whole is meant; between them what stands there.
    if (under.from >= lineFrom) return under;
    return search(under.inner.filter((one) => startsLine(text, one.from))) ?? under;
  };
  const top = statements(text);
  return search(top) ?? top.find((one) => one.from > position) ?? null;
}

const startsLine = (text: string, from: number): boolean =>
  /^\s*$/.test(text.slice(text.lastIndexOf('\n', from - 1) + 1, from));
