/** What goes over the websocket of the Rc² server and its HTTP API, from the types that are made of the server's own. */

import type { components } from './types.ts';

type Schemas = components['schemas'];

export const VERSION = 1;

/** What a client has to give; the server knows what the rest is by default. */
type Given<Model, Needed extends keyof Model> = Pick<Model, Needed> & Partial<Model>;

export type ToServer =
  | Given<Schemas['Hello'], 'type'>
  | Given<Schemas['StartConsole'], 'type' | 'kernelspec'>
  | Given<Schemas['Execute'], 'type' | 'id' | 'console' | 'code'>
  | Schemas['InputReply']
  | Schemas['Interrupt']
  | Schemas['Restart']
  | Schemas['CloseConsole']
  | Schemas['Cancel']
  | Schemas['SubscribeVariables']
  | Schemas['UnsubscribeVariables']
  | Given<Schemas['StartJob'], 'type' | 'id' | 'path'>
  | Schemas['CancelJob']
  | Schemas['CancelSpark']
  | Schemas['SetBreakpoints']
  | Schemas['BreakOnError']
  | Schemas['Step']
  | Schemas['Ping'];
export type ServerEvent = Schemas['AnyEvent'];
/** What is about a job, and not about a console. */
export type JobEvent =
  Schemas['JobStarted'] | Schemas['JobOutput'] | Schemas['JobProgress'] | Schemas['JobFinished'];
export type ConsoleEvent = Exclude<ServerEvent, JobEvent>;
export type Notice = Schemas['Notice'];
export type FromServer = ServerEvent | Notice;

export type Source = Schemas['Source'];
export type Figure = Schemas['Figure'];
export type Variable = Schemas['Variable'];
export type ConsoleInfo = Schemas['ConsoleInfo'];
export type SparkJob = Schemas['SparkJob'];
export type SparkApplication = Schemas['SparkApplication'];
export type JobInfo = Schemas['JobInfo'];
export type JobStatus = Schemas['JobFinished']['status'];
export type RenderFormat = NonNullable<Schemas['StartJob']['format']>;
export type ConsoleState = Schemas['ConsoleState']['state'];
export type ExecutionStatus = Schemas['ExecutionFinished']['status'];
export type Rich = Pick<Schemas['Display'], 'seq' | 'data' | 'blobs' | 'metadata'>;
export type Column = Schemas['Column'];
export type Filter = Schemas['Filter'];
export type Sort = Schemas['Sort'];
export type BreakpointAt = Schemas['BreakpointAt'];
export type Breakpoint = Schemas['Breakpoint'];
export type StackFrame = Schemas['StackFrame'];
export type Step = Schemas['Step']['step'];
export type Stopped = Schemas['Stopped'];
export type FrameRequest = Given<Schemas['FrameRequest'], 'stop' | 'frame'>;
export type Page = Schemas['Page'];
export type PageRequest = Given<Schemas['PageRequest'], 'name'>;
/** What is asked of any table. */
export type TablePart = Omit<Schemas['PageRequest'], 'name' | 'path'>;
export type Children = Schemas['Children'];
export type Completions = Schemas['Completions'];
export type Inspection = Schemas['Inspection'];
export type Help = Schemas['Help'];
export type HelpRequest = Partial<Schemas['HelpRequest']>;
export type Preferences = Schemas['Preferences'];
export type PreferencesChange = Partial<Schemas['PreferencesChange']>;
export type Profile = Schemas['Profile'];
export type ProfiledCall = Schemas['ProfiledCall'];
export type ProfiledFunction = Schemas['ProfiledFunction'];
export type Vignette = Schemas['Vignette'];
export type History = Schemas['History'];
export type StoredNotebook = Schemas['Notebook'];
export type StoredOutput = Schemas['StoredStream'] | Schemas['StoredValue'] | Schemas['StoredError'];
export type NotebookSaved = Schemas['NotebookSaved'];
export type PlotEntry = Schemas['PlotEntry'];
export type Plots = Schemas['Plots'];
