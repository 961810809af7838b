"""routes: what does each path of the API do with a request? May use services, http, queue and store."""
