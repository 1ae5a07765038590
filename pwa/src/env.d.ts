/// <reference types="vite/client" />
import 'vue-router'

declare module 'vue-router' {
  interface RouteMeta {
    /** Text files beyond the common ones, as in shared/<name>.zh.json. */
    texts?: string[]
    /** The page brings its own frame: no header, no tabs. */
    bare?: boolean
  }
}
