/// <reference types="vite/client" />
import 'vue-router'

declare module 'vue-router' {
  interface RouteMeta {
    /** Text files beyond the common ones, as in shared/<name>.zh.json. */
    texts?: string[]
  }
}
