/** The colors of states in app.css. Words stand beside each color. */
export type Tone = 'ok' | 'busy' | 'warn' | 'bad' | 'idle'
